-- Signed certificates find their rows one by one through the index, whatever was known of the table when the plan was made:
-- a join planned while the table was small goes through all of it for every batch until the next ANALYZE.
CREATE FUNCTION "store_signed_certificates"("serials" text[], "ders" bytea[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  changed int;
  stored int := 0;
BEGIN
  FOR place IN 1 .. cardinality(serials) LOOP
    UPDATE "issued_certificate" SET "der" = ders[place] WHERE "serial_hex" = serials[place] AND "der" IS NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    stored := stored + changed;
  END LOOP;
  RETURN stored;
END $$;
