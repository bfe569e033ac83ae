# A Python source that cleans what it reads. Build the image `midflight` first: docker build -t midflight .
#
#   docker build -f docs/airbyte/python.Dockerfile -t source-faker-midflight:7.2.1-1 docs/airbyte

FROM midflight AS midflight

FROM airbyte/source-faker:7.2.1
# The program, and ONNX Runtime beside it, where it is looked for first.
COPY --from=midflight /usr/local/bin/midflight /usr/local/bin/libonnxruntime.so /usr/local/bin/
# The policy. Without this line and without --config below, it is edited in Airbyte's form instead.
COPY midflight.yaml /etc/midflight/midflight.yaml
# Airbyte starts what this variable says, through a shell, and never the image's own entry point. The words behind
# `--` are what the variable held before.
ENV AIRBYTE_ENTRYPOINT="/usr/local/bin/midflight wrap --config /etc/midflight/midflight.yaml -- python /airbyte/integration_code/main.py" \
    MIDFLIGHT_OFFLINE=1
# The same for whoever runs the image by hand.
ENTRYPOINT ["/usr/local/bin/midflight", "wrap", "--config", "/etc/midflight/midflight.yaml", "--", "python", "/airbyte/integration_code/main.py"]
