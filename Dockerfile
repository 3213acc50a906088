# Tributary in one image: program, pixel and, for use without a ClickHouse server, the engine library.
# Build: docker build -t tributary .

FROM node:20-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
# Debian 12's own node is 18, too old for the pixel's tools.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
RUN scripts/engine-library.sh && scripts/pixel.sh && cargo build --release -p tributary

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data tributary \
    && install -d -o tributary -g tributary /data
COPY --from=build /src/target/release/tributary /usr/local/bin/tributary
COPY --from=build /src/.engine/libchdb.so /usr/local/lib/libchdb.so
COPY --from=build /src/pixel/dist /usr/local/share/tributary/pixel
ENV TRIBUTARY_DATA_DIR=/data \
    TRIBUTARY_HTTP_LISTEN=0.0.0.0:4600 \
    TRIBUTARY_PIXEL_DIR=/usr/local/share/tributary/pixel \
    TRIBUTARY_LOG_FORMAT=json
USER tributary
VOLUME /data
EXPOSE 4600
# Whether a restart would help. Whether to send requests here is another question: /readyz.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD curl -fsS http://127.0.0.1:4600/healthz || exit 1
ENTRYPOINT ["tini", "--", "tributary"]
CMD ["serve"]
