# One image for both setups: a single node with a private Redis (`docker run -p 8000:8000
# -v chinwag:/data chinwag`), or one of several nodes on a shared Redis (compose.yaml).
#
# For several processors: docker buildx build --platform linux/amd64,linux/arm64 .

ARG DEBIAN=bookworm
ARG NODE=22
ARG RUST=1.95

# The web client is the same for all processors, so this stage runs on the builder's own.
FROM --platform=$BUILDPLATFORM node:${NODE}-${DEBIAN}-slim AS client
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web .
RUN npm run build

FROM rust:${RUST}-slim-${DEBIAN} AS build
# --build-arg FEATURES=s3,otel for uploads in a bucket and traces.
ARG FEATURES=
WORKDIR /src
COPY . .
COPY --from=client /web/dist web/dist
# As scripts/build: the debugging information goes into a file of its own.
RUN cargo build --release --locked --features "$FEATURES" \
    && cd target/release \
    && objcopy --only-keep-debug --compress-debug-sections chinwag chinwag.debug \
    && objcopy --strip-unneeded --add-gnu-debuglink=chinwag.debug chinwag chinwag.stripped

# docker build --target debug-info --output . .
FROM scratch AS debug-info
COPY --from=build /src/target/release/chinwag.debug /

FROM debian:${DEBIAN}-slim
# redis-server is used only when redis.url is not set.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin chinwag \
    && install -d -m 700 -o chinwag -g chinwag /data /data/uploads
COPY --from=build /src/target/release/chinwag.stripped /usr/local/bin/chinwag
# A node keeps its data in ./data, which is /data here. It writes nowhere else, so the root file
# system may be mounted read-only.
WORKDIR /
USER 10001
ENV CHINWAG_SERVER__HOST=0.0.0.0
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["chinwag", "health"]
ENTRYPOINT ["chinwag"]
CMD ["serve"]
