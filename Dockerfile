# One static binary and nothing beside it: no shell, no package, nothing to update but Guichet itself.
FROM golang:1.26 AS build
WORKDIR /src
# Modules first: they change seldom and are kept as a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What `guichet version` and /metrics say: docker build --build-arg VERSION=…
ARG VERSION=dev
# nomsgpack leaves out an encoding of gin's nobody speaks here, timetzdata puts the time zones into the binary.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags nomsgpack,timetzdata -ldflags="-s -w -X main.version=$VERSION" -o /out/guichet ./cmd/guichet \
 && mkdir /out/data /out/tmp

FROM scratch
# The certificates of the mail servers and providers are judged by these.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=10001:10001 /out/data /data
COPY --from=build --chown=10001:10001 /out/tmp /tmp
COPY --from=build /out/guichet /guichet
USER 10001:10001
# Relative paths of the configuration (var/guichet.db, var/files) come to lie in the volume.
WORKDIR /data
VOLUME /data
# A container's own 127.0.0.1 is reached by nobody; what is published is decided outside.
ENV GUICHET_HTTP_LISTEN=:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["/guichet", "check", "--quick"]
ENTRYPOINT ["/guichet"]
CMD ["serve"]
