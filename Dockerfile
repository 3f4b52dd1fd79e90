# The `vigla` binary, static, in an empty image: no shell, no libraries, no user but 65532.
# docker build --build-arg VIGLA_COMMIT=$(git rev-parse --short=12 HEAD) -t registry.example.com/vigla:0.1.0 .
FROM docker.io/library/rust:1.95.0-alpine AS build
# a C compiler and musl's headers, for ring
RUN apk add --no-cache build-base
WORKDIR /vigla
COPY . .
# what `vigla --version` and the metrics say
ARG VIGLA_COMMIT
# This image's own target is musl, which is linked into the binary.
RUN cargo build --release --locked && mkdir /image && cp target/release/vigla /image/

FROM scratch
COPY --from=build /image/vigla /vigla
USER 65532:65532
EXPOSE 8443
ENTRYPOINT ["/vigla"]
CMD ["serve"]
