-- How far each channel's grid has been laid out (channel_day). A channel that is new, or whose
-- installation was back-dated, simply has more days to lay out.
CREATE TABLE channel_mark (
  channel_id int PRIMARY KEY REFERENCES channel,
  opened_to date NOT NULL -- exclusive
);

-- Lays out the days [installation, p_up_to) of channels [p_from, p_to) that lack them. Midnights are
-- those of the service point's zone, so a day has 23, 24 or 25 hours; a day on which the meter was
-- there for a part of it expects that part only.
CREATE FUNCTION ledger_open(p_up_to date, p_from int, p_to int) RETURNS bigint
LANGUAGE sql AS $$
  WITH due AS (
    SELECT c.id AS channel_id, c.interval_s, i.from_at, i.to_at, s.time_zone,
      greatest(coalesce(m.opened_to, '-infinity'),
               (i.from_at AT TIME ZONE s.time_zone)::date) AS first_date,
      least(p_up_to, coalesce(((i.to_at - interval '1 microsecond') AT TIME ZONE s.time_zone)::date
                              + 1, p_up_to)) AS end_date
    FROM channel c
    JOIN installation i ON i.meter_id = c.meter_id
    JOIN service_point s ON s.id = i.service_point_id
    LEFT JOIN channel_mark m ON m.channel_id = c.id
    WHERE c.kind = 'interval' AND c.id >= p_from AND c.id < p_to
      AND coalesce(m.opened_to, '-infinity') < p_up_to
  ), days AS (
    SELECT due.channel_id, day::date AS local_date, due.interval_s,
      day AT TIME ZONE due.time_zone AS midnight,
      (day + interval '1 day') AT TIME ZONE due.time_zone AS next_midnight,
      due.from_at, due.to_at
    FROM due, generate_series(due.first_date::timestamp, due.end_date::timestamp - interval '1 day',
                              interval '1 day') AS day
  ), cut AS (
    -- Only whole intervals of the grid are expected on a day that begins or ends in the middle.
    SELECT channel_id, local_date, interval_s,
      CASE WHEN from_at <= midnight THEN midnight
           ELSE midnight + make_interval(secs => interval_s * ceil(
             extract(epoch FROM from_at - midnight) / interval_s)) END AS first_at,
      CASE WHEN to_at IS NULL OR to_at >= next_midnight THEN next_midnight
           ELSE midnight + make_interval(secs => interval_s * floor(
             extract(epoch FROM to_at - midnight) / interval_s)) END AS end_at
    FROM days
  ), added AS (
    INSERT INTO channel_day (channel_id, local_date, from_at, to_at, expected)
    SELECT channel_id, local_date, min(first_at), max(end_at),
      sum(round(extract(epoch FROM end_at - first_at) / interval_s))::smallint
    FROM cut
    WHERE end_at > first_at
    GROUP BY channel_id, local_date
    ON CONFLICT (channel_id, local_date) DO NOTHING
    RETURNING 1
  ), marked AS (
    INSERT INTO channel_mark (channel_id, opened_to)
    SELECT DISTINCT channel_id, p_up_to FROM due
    ON CONFLICT (channel_id) DO UPDATE SET opened_to = greatest(channel_mark.opened_to,
                                                                excluded.opened_to)
  )
  SELECT count(*) FROM added
$$;
