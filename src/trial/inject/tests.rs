//! What each error does to columns of each type.

use arrow::array::{
    AsArray, Date32Array, Float64Array, Int64Array, StringViewArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};

use super::*;

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<StringViewArray>())
}

/// Columns of every type that expressions see, each with a null.
fn columns() -> Vec<ArrayRef> {
    vec![
        texts(&[
            Some("2026-01-02"),
            None,
            Some("Zoë"),
            Some("1.98"),
            Some("DE"),
            Some("-7"),
        ]),
        Arc::new(Int64Array::from(vec![
            Some(1),
            None,
            Some(-20),
            Some(300),
            Some(i64::MAX),
            Some(0),
        ])),
        Arc::new(Float64Array::from(vec![
            Some(1.5),
            None,
            Some(-2e300),
            Some(0.0),
            Some(3.25),
            Some(8.0),
        ])),
        Arc::new(BooleanArray::from(vec![
            Some(true),
            None,
            Some(false),
            Some(true),
            Some(true),
            Some(false),
        ])),
        Arc::new(Date32Array::from(vec![
            Some(20_000),
            None,
            Some(19_000),
            Some(0),
            Some(-1),
            Some(20_100),
        ])),
        Arc::new(
            TimestampMicrosecondArray::from(vec![
                Some(1),
                None,
                Some(1_700_000_000_000_000),
                Some(-5),
                Some(7),
                Some(8),
            ])
            .with_timezone("+00:00"),
        ),
        Arc::new(Time64MicrosecondArray::from(vec![
            Some(1),
            None,
            Some(2),
            Some(3),
            Some(4),
            Some(5),
        ])),
    ]
}

#[test]
fn every_error_keeps_type_length_and_what_it_did_not_choose() {
    for column in columns() {
        for error in Error::ALL {
            for (rate, seed) in [(0.0, 1), (0.5, 1), (0.5, 2), (1.0, 3)] {
                let (after, changed) = inject(error, &column, rate, seed);
                assert_eq!(after.data_type(), column.data_type(), "{error:?}");
                assert_eq!((after.len(), changed.len()), (6, 6));
                assert_eq!(
                    differing(&column, &after),
                    changed,
                    "{error:?} {:?}",
                    column.data_type()
                );
                assert!(!changed.value(1), "a null stays");
                if rate == 0.0 {
                    assert_eq!(changed.count_set_bits(), 0);
                }
                let again = inject(error, &column, rate, seed);
                assert_eq!((&again.0, again.1), (&after, changed));
            }
        }
    }
}

#[test]
fn errors_look_as_they_do_in_data() {
    let text = texts(&[
        Some("2026-01-02T03:04:05Z"),
        Some("Zoë"),
        Some("1.98"),
        Some("Anna"),
        Some("12"),
    ]);
    let all = |error| inject(error, &text, 1.0, 7);
    let (after, changed) = all(Error::Mojibake);
    assert_eq!(after.as_string_view().value(1), "ZoÃ«");
    assert!(after.as_string_view().value(3).contains("Ã©"));
    assert!(
        !changed.value(2) && !changed.value(4),
        "digits have no accents"
    );
    let (after, changed) = all(Error::WrongUnit);
    assert_eq!(
        (
            after.as_string_view().value(2),
            after.as_string_view().value(4)
        ),
        ("1980", "12000")
    );
    assert!(!changed.value(0) && !changed.value(1));
    let (after, changed) = all(Error::ShiftDate);
    assert_eq!(changed.count_set_bits(), 1);
    assert!(after.as_string_view().value(0).ends_with("T03:04:05Z"));
    let (after, changed) = all(Error::Missing);
    assert_eq!((after.null_count(), changed.count_set_bits()), (5, 5));
    let (after, changed) = all(Error::Extraneous);
    assert_eq!(changed.count_set_bits(), 5);
    assert!(after.as_string_view().value(3).contains("Anna"));
    assert_eq!(all(Error::Typo).1.count_set_bits(), 5);
    assert_eq!(
        all(Error::Outlier).1.count_set_bits(),
        0,
        "text has no outliers"
    );
}

#[test]
fn numbers_and_dates_go_far_away() {
    let ages: ArrayRef = Arc::new(Int64Array::from_iter_values((0..400).map(|n| 20 + n % 60)));
    let (after, changed) = inject(Error::Outlier, &ages, 1.0, 1);
    assert_eq!(changed.count_set_bits(), 400);
    let far = after
        .as_primitive::<Int64Type>()
        .iter()
        .flatten()
        .all(|age| !(-30..=130).contains(&age));
    assert!(far);
    let (after, _) = inject(Error::WrongUnit, &ages, 1.0, 1);
    assert_eq!(after.as_primitive::<Int64Type>().value(3), 23_000);
    let (after, changed) = inject(Error::Typo, &ages, 1.0, 1);
    assert_eq!(changed.count_set_bits(), 400);
    assert!(
        after
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .all(|age| age < 100)
    );
    let (_, changed) = inject(Error::CategorySwap, &ages, 1.0, 1);
    assert_eq!(changed.count_set_bits(), 0, "60 ages are no categories");

    let floats: ArrayRef = Arc::new(Float64Array::from_iter_values((0..40).map(f64::from)));
    let (after, _) = inject(Error::Outlier, &floats, 1.0, 1);
    assert!(
        after
            .as_primitive::<Float64Type>()
            .iter()
            .flatten()
            .all(|n| !(-30.0..=80.0).contains(&n))
    );

    let days: ArrayRef = Arc::new(Date32Array::from(vec![20_000; 50]));
    let (after, changed) = inject(Error::ShiftDate, &days, 1.0, 1);
    assert_eq!(changed.count_set_bits(), 50);
    let off = |day: i32| (30..=3_650).contains(&(day - 20_000).abs());
    assert!(after.as_primitive::<Date32Type>().iter().flatten().all(off));
    let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![86_400_000_123; 50]));
    let (after, _) = inject(Error::ShiftDate, &moments, 1.0, 1);
    let of_day = |at: i64| at.rem_euclid(86_400_000_000);
    assert!(
        after
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .flatten()
            .all(|at| of_day(at) == 123)
    );
}

#[test]
fn categories_are_swapped_among_themselves() {
    let states = texts(&[Some("new"), Some("paid"), Some("new"), None, Some("sent")]);
    let (after, changed) = inject(Error::CategorySwap, &states, 1.0, 5);
    assert_eq!(changed.count_set_bits(), 4);
    assert!(
        after
            .as_string_view()
            .iter()
            .flatten()
            .all(|state| ["new", "paid", "sent"].contains(&state))
    );
    let one = texts(&[Some("new"), Some("new")]);
    assert_eq!(
        inject(Error::CategorySwap, &one, 1.0, 5).1.count_set_bits(),
        0
    );
}
