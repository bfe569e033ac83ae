# midflight as an image: an Airbyte destination, a function on bucket events, and what connectors' images take the
# program from (docs/airbyte.md).
#
#   docker build -t midflight .
#   docker run --rm -p 127.0.0.1:8080:8080 -e MIDFLIGHT_SECRET=… midflight \
#     serve --listen 0.0.0.0:8080 --secret-env MIDFLIGHT_SECRET

FROM rust:1.95-slim-bookworm AS build
# A C compiler and make for the libraries that are written in C; pip brings ONNX Runtime's package.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/*
# Linked here, the program would ask for Debian's C library or a later one, and the images of JVM connectors carry an
# earlier one. Zig links against the symbols of the version that is named below.
RUN python3 -m venv /zig \
 && /zig/bin/pip install --no-cache-dir ziglang==0.17.1 cargo-zigbuild==0.24.1
ENV PATH=/zig/bin:$PATH
WORKDIR /source
COPY . .
RUN target="$(uname -m)-unknown-linux-gnu" \
 && cargo zigbuild --release --locked --target "$target.2.28" \
 && mkdir /program \
 && strip --strip-debug "target/$target/release/midflight" -o /program/midflight
# ONNX Runtime runs the models and is no part of the program. It is found beside it, so that nothing is fetched when
# the first record comes. Its SHA-256 is compared with the one that is known.
RUN MIDFLIGHT_CACHE=/fetched /program/midflight models pull onnxruntime \
 && cp /fetched/onnxruntime-*/libonnxruntime.so /program/

# Airbyte starts connectors through a shell, so an image without one would not do.
FROM debian:bookworm-slim
# The stores' certificates are checked against the system's.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home airbyte
COPY --from=build /program/ /usr/local/bin/
USER 1000
WORKDIR /home/airbyte
# Nothing is written to the image: Lambda and hardened clusters mount it read-only.
ENV MIDFLIGHT_OFFLINE=1
# What Airbyte runs when the image is added as a destination.
ENV AIRBYTE_ENTRYPOINT="/usr/local/bin/midflight destination"
EXPOSE 8080
ENTRYPOINT ["midflight"]
CMD ["serve"]
