//! The one URL of a bucket that can be spelt in several ways.

/// A bucket's URL, however it was spelt: what is done is known by it. Azure's has its account, where that is known.
pub fn root(scheme: &str, bucket: &str, settings: &[(String, String)]) -> String {
    if scheme == "s3a" {
        return format!("s3://{bucket}/");
    }
    if ["s3", "gs"].contains(&scheme) {
        return format!("{scheme}://{bucket}/");
    }
    if let Some((container, host)) = bucket.split_once('@') {
        return format!(
            "abfss://{container}@{}/",
            host.replacen(".blob.", ".dfs.", 1)
        );
    }
    let of = |names: &[&str]| {
        let named = |(name, _): &&(String, String)| names.contains(&name.as_str());
        settings
            .iter()
            .rfind(named)
            .map(|(_, value)| value.as_str())
    };
    let elsewhere = [
        "azure_storage_use_emulator",
        "azure_storage_endpoint",
        "azure_endpoint",
    ];
    match of(&["azure_storage_account_name", "account_name"]) {
        Some(account) if of(&elsewhere).is_none() => {
            format!("abfss://{bucket}@{account}.dfs.core.windows.net/")
        }
        _ => format!("az://{bucket}/"),
    }
}

#[cfg(test)]
mod tests {
    use crate::runtime::bucket::Bucket;

    #[test]
    fn a_bucket_has_one_url_however_it_is_spelt() {
        let account = ("azure_storage_account_name", "acct");
        let emulator = ("azure_storage_use_emulator", "true");
        for (place, options, url) in [
            ("s3a://b/x", &[][..], "s3://b/x"),
            ("s3://b/x/", &[], "s3://b/x"),
            ("gs://b", &[], "gs://b/"),
            (
                "az://c/x",
                &[account],
                "abfss://c@acct.dfs.core.windows.net/x",
            ),
            ("azure://c/x", &[account, emulator], "az://c/x"),
            (
                "abfs://c@acct.blob.core.windows.net/x",
                &[],
                "abfss://c@acct.dfs.core.windows.net/x",
            ),
        ] {
            let options = options
                .iter()
                .chain(&[("azure_storage_account_key", "a2V5")]);
            let options = options.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let bucket = Bucket::open(place, &options.collect()).expect("a bucket");
            assert_eq!(bucket.url(), url, "{place}");
        }
    }
}
