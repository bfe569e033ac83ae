"""Makes a function of a program and lets a bucket call it: python function.py ENDPOINT PROGRAM VARIABLES"""

import io
import json
import sys
import zipfile

import boto3

endpoint, program, variables = sys.argv[1:]
settings = {
    "endpoint_url": endpoint,
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "testsecret",
}
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with open(program, "rb") as source:
        file.writestr(entry, source.read())

functions, buckets = boto3.client("lambda", **settings), boto3.client("s3", **settings)
functions.create_function(
    FunctionName="midflight",
    Runtime="provided.al2023",
    Role="arn:aws:iam::000000000000:role/r",
    Handler="bootstrap",
    Code={"ZipFile": archive.getvalue()},
    Timeout=60,
    MemorySize=512,
    Architectures=["x86_64"],
    Environment={"Variables": json.loads(variables)},
)
functions.get_waiter("function_active_v2").wait(FunctionName="midflight")
for bucket in ["raw", "clean"]:
    buckets.create_bucket(Bucket=bucket)
functions.add_permission(
    FunctionName="midflight",
    StatementId="s3",
    Action="lambda:InvokeFunction",
    Principal="s3.amazonaws.com",
    SourceArn="arn:aws:s3:::raw",
)
arn = functions.get_function(FunctionName="midflight")["Configuration"]["FunctionArn"]
rule = {"Name": "prefix", "Value": "airbyte/"}
buckets.put_bucket_notification_configuration(
    Bucket="raw",
    NotificationConfiguration={
        "LambdaFunctionConfigurations": [
            {
                "LambdaFunctionArn": arn,
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [rule]}},
            }
        ]
    },
)
print(f"{len(archive.getvalue()) / 1e6:.0f} MB")
