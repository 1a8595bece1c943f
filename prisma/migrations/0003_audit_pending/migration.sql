-- Each new event waits for the chainer from the transaction on that wrote it.
CREATE FUNCTION audit_event_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "audit_pending" ("event_id") SELECT "id" FROM added;
  RETURN NULL;
END
$$;
CREATE TRIGGER audit_event_waits AFTER INSERT ON "audit_event"
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_event_waits();
