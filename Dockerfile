# Tierplane's embedded home as an image: `docker build --tag tierplane .`
# Keep every instruction of the final stage on one line; test/e2e/container.test.ts builds that stage without Docker.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts && npm run build && npm run image-root -- /image

# Node, the libraries that it loads, and the program. No shell, no package manager.
FROM scratch
COPY --from=build /image/root/ /
COPY --from=build --chown=65532:65532 /image/data/ /data/
USER 65532:65532
WORKDIR /data
ENV PATH=/usr/local/bin:/usr/bin HOME=/data TIERPLANE_DATA_DIR=/data NODE_COMPILE_CACHE=/data/cache/node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((response) => process.exit(response.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tierplane"]
CMD ["up", "--host", "0.0.0.0"]
