# A JVM source that cleans what it reads. Build the image `midflight` first: docker build -t midflight .
#
#   docker build -f docs/airbyte/jvm.Dockerfile -t source-postgres-midflight:3.7.0-1 docs/airbyte

FROM midflight AS midflight

FROM airbyte/source-postgres:3.7.0
COPY --from=midflight /usr/local/bin/midflight /usr/local/bin/libonnxruntime.so /usr/local/bin/
COPY midflight.yaml /etc/midflight/midflight.yaml
# JVM images start through a script that reads JAVA_OPTS, as before.
ENV AIRBYTE_ENTRYPOINT="/usr/local/bin/midflight wrap --config /etc/midflight/midflight.yaml -- /airbyte/base.sh" \
    MIDFLIGHT_OFFLINE=1
ENTRYPOINT ["/usr/local/bin/midflight", "wrap", "--config", "/etc/midflight/midflight.yaml", "--", "/airbyte/base.sh"]
