-- What was signed never changes, and a revocation is for good: only the signature and the revocation may be added, once.
CREATE FUNCTION issued_certificate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.serial_hex <> OLD.serial_hex OR NEW.tbs <> OLD.tbs OR NEW.issuer_key <> OLD.issuer_key
     OR (OLD.der IS NOT NULL AND NEW.der IS DISTINCT FROM OLD.der)
     OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) THEN
    RAISE EXCEPTION 'an issued certificate and its revocation do not change';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER issued_certificate_keeps BEFORE UPDATE ON "issued_certificate"
  FOR EACH ROW EXECUTE FUNCTION issued_certificate_guard();

CREATE FUNCTION issued_certificate_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'issued certificates are never removed';
END
$$;
CREATE TRIGGER issued_certificate_stays BEFORE DELETE OR TRUNCATE ON "issued_certificate"
  FOR EACH STATEMENT EXECUTE FUNCTION issued_certificate_stays();
