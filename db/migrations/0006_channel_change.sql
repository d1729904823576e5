-- Channels whose cached form has changed. Processes that hold all channels in memory read what
-- transactions at or after their last snapshot have written: in order of visibility, not of ids.
CREATE TABLE channel_change (
  xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
  channel_id int NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX channel_change_xact ON channel_change (xact);

CREATE FUNCTION note_channel_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO channel_change (channel_id)
    SELECT n.id FROM new_rows n JOIN old_rows o USING (id) WHERE n IS DISTINCT FROM o;
  RETURN NULL;
END $$;
CREATE TRIGGER channel_changed AFTER UPDATE ON channel
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_channel_change();

CREATE FUNCTION note_meter_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO channel_change (channel_id)
    SELECT c.id FROM new_rows n JOIN old_rows o USING (id) JOIN channel c ON c.meter_id = n.id
    WHERE n.serial IS DISTINCT FROM o.serial;
  RETURN NULL;
END $$;
CREATE TRIGGER meter_changed AFTER UPDATE ON meter
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_meter_change();

-- The zone matters to the grid of intervals over 15 minutes only.
CREATE FUNCTION note_installation_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO channel_change (channel_id)
    SELECT c.id FROM new_rows n JOIN channel c ON c.meter_id = n.meter_id WHERE c.interval_s > 900;
  RETURN NULL;
END $$;
CREATE TRIGGER installation_added AFTER INSERT ON installation
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_installation_change();
CREATE TRIGGER installation_changed AFTER UPDATE ON installation
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_installation_change();

CREATE FUNCTION note_zone_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO channel_change (channel_id)
    SELECT c.id FROM new_rows n JOIN old_rows o USING (id)
    JOIN installation i ON i.service_point_id = n.id JOIN channel c ON c.meter_id = i.meter_id
    WHERE n.time_zone IS DISTINCT FROM o.time_zone AND c.interval_s > 900;
  RETURN NULL;
END $$;
CREATE TRIGGER service_point_changed AFTER UPDATE ON service_point
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION note_zone_change();
