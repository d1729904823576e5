FROM node:20-bookworm-slim AS build
WORKDIR /app
# The manifests first: the packages are fetched again only when they change.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# The journal's folder belongs to the user before a volume is mounted: Docker copies the ownership.
RUN groupadd --gid 10001 meterline \
  && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin meterline \
  && install -d -o meterline -g meterline -m 0700 /var/lib/meterline/journal
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/console/dist ./console/dist
USER 10001:10001
EXPOSE 1883 8080
ENTRYPOINT ["node", "--max-semi-space-size=64", "dist/cli/main.js"]
CMD ["start"]
