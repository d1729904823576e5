-- edition: timescale
-- Columnstore and policies of the community edition. Segmented by channel, so that one channel's
-- month is one decompression; ordered by time, so that deltas of time are constant.
ALTER TABLE reading SET (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'channel_id',
  timescaledb.compress_orderby = 'start_at'
);
ALTER TABLE reading_history SET (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'channel_id',
  timescaledb.compress_orderby = 'start_at, superseded_by'
);
ALTER TABLE register_read SET (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'channel_id',
  timescaledb.compress_orderby = 'at'
);
SELECT add_compression_policy('reading', INTERVAL '10 days', if_not_exists => true);
SELECT add_compression_policy('reading_history', INTERVAL '35 days', if_not_exists => true);
SELECT add_compression_policy('register_read', INTERVAL '35 days', if_not_exists => true);
