# midflight as an image: for `docker run`, Kubernetes, Cloud Run, and as a container image of AWS Lambda.
#
#   docker build -t midflight .
#   docker run --rm -p 127.0.0.1:8080:8080 -e MIDFLIGHT_SECRET=… midflight \
#     serve --listen 0.0.0.0:8080 --secret-env MIDFLIGHT_SECRET

FROM rust:1.95-slim-bookworm AS build
# A C compiler and make for the libraries that are written in C; pip brings ONNX Runtime's package.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked
# ONNX Runtime runs the models and is no part of the program. It is found beside it, so that nothing is fetched when
# the first record comes. Its SHA-256 is compared with the one that is known.
RUN MIDFLIGHT_CACHE=/fetched target/release/midflight models pull onnxruntime \
 && mkdir /program \
 && cp target/release/midflight /fetched/onnxruntime-*/libonnxruntime.so /program/

FROM debian:bookworm-slim
# The stores' certificates are checked against the system's.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home midflight
COPY --from=build /program/ /usr/local/bin/
USER 1000
WORKDIR /home/midflight
# Nothing is written to the image: Lambda and hardened clusters mount it read-only.
ENV MIDFLIGHT_OFFLINE=1
EXPOSE 8080
ENTRYPOINT ["midflight"]
CMD ["serve"]
