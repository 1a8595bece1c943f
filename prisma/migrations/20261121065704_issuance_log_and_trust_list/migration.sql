-- CreateTable
CREATE TABLE "issuance_log_pending" (
    "serial_hex" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "issuance_log_pending_pkey" PRIMARY KEY ("serial_hex")
);

-- CreateTable
CREATE TABLE "issuance_log_entry" (
    "entry_index" BIGINT NOT NULL,
    "leaf_hash" BYTEA NOT NULL,
    "serial_hex" TEXT NOT NULL,
    "logged_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "issuance_log_entry_pkey" PRIMARY KEY ("entry_index")
);

-- CreateTable
CREATE TABLE "issuance_log_node" (
    "level" INTEGER NOT NULL,
    "node_index" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "issuance_log_node_pkey" PRIMARY KEY ("level","node_index")
);

-- CreateTable
CREATE TABLE "issuance_log_head" (
    "tree_size" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "root_hash" BYTEA NOT NULL,
    "signatures" JSONB NOT NULL,

    CONSTRAINT "issuance_log_head_pkey" PRIMARY KEY ("tree_size","at")
);

-- CreateTable
CREATE TABLE "trust_entry" (
    "id" UUID NOT NULL,
    "name_zh" TEXT NOT NULL,
    "name_en" TEXT NOT NULL,
    "certificates" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "constraints" JSONB NOT NULL,
    "official" BOOLEAN NOT NULL,
    "state" TEXT NOT NULL,
    "valid_from" TIMESTAMPTZ(3) NOT NULL,
    "valid_until" TIMESTAMPTZ(3) NOT NULL,
    "imported_by" TEXT NOT NULL,
    "imported_at" TIMESTAMPTZ(3) NOT NULL,
    "approved_by" TEXT,
    "approved_at" TIMESTAMPTZ(3),
    "approval_id" UUID,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT,

    CONSTRAINT "trust_entry_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "trust_change" (
    "sequence" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "entry_id" UUID NOT NULL,
    "by" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "trust_change_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "trust_edition" (
    "sequence" BIGINT NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,
    "next_update" TIMESTAMPTZ(3) NOT NULL,
    "document" JSONB NOT NULL,

    CONSTRAINT "trust_edition_pkey" PRIMARY KEY ("sequence","issued_at")
);

-- CreateIndex
CREATE INDEX "issuance_log_pending_since_idx" ON "issuance_log_pending"("since");

-- CreateIndex
CREATE UNIQUE INDEX "issuance_log_entry_leaf_hash_key" ON "issuance_log_entry"("leaf_hash");

-- CreateIndex
CREATE UNIQUE INDEX "issuance_log_entry_serial_hex_key" ON "issuance_log_entry"("serial_hex");

-- CreateIndex
CREATE INDEX "trust_entry_state_valid_until_idx" ON "trust_entry"("state", "valid_until");

-- CreateIndex
CREATE INDEX "trust_entry_fingerprint_idx" ON "trust_entry"("fingerprint");



-- No signed certificate without its place in the log: whatever stores one, the same statement promises it to the log.
CREATE FUNCTION "issued_certificate_waits_for_log"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "issuance_log_pending" ("serial_hex") VALUES (NEW."serial_hex");
  RETURN NULL;
END $$;
CREATE TRIGGER "issued_certificate_logged_at_once" AFTER INSERT ON "issued_certificate"
  FOR EACH ROW WHEN (NEW."der" IS NOT NULL) EXECUTE FUNCTION "issued_certificate_waits_for_log"();
CREATE TRIGGER "issued_certificate_logged_when_signed" AFTER UPDATE OF "der" ON "issued_certificate"
  FOR EACH ROW WHEN (OLD."der" IS NULL AND NEW."der" IS NOT NULL) EXECUTE FUNCTION "issued_certificate_waits_for_log"();
-- Certificates from before there was a log.
INSERT INTO "issuance_log_pending" ("serial_hex") SELECT "serial_hex" FROM "issued_certificate" WHERE "der" IS NOT NULL;

CREATE FUNCTION "issuance_log_never_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the issuance log is only appended to';
END $$;
CREATE TRIGGER "issuance_log_entry_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "issuance_log_entry"
  FOR EACH STATEMENT EXECUTE FUNCTION "issuance_log_never_changes"();
CREATE TRIGGER "issuance_log_node_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "issuance_log_node"
  FOR EACH STATEMENT EXECUTE FUNCTION "issuance_log_never_changes"();
CREATE TRIGGER "issuance_log_head_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "issuance_log_head"
  FOR EACH STATEMENT EXECUTE FUNCTION "issuance_log_never_changes"();

CREATE FUNCTION "issuance_log_has_no_gap"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."entry_index" < 0 OR (NEW."entry_index" > 0 AND NOT EXISTS (
    SELECT 1 FROM "issuance_log_entry" WHERE "entry_index" = NEW."entry_index" - 1)) THEN
    RAISE EXCEPTION 'the issuance log has no gaps';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "issuance_log_entry_follows" BEFORE INSERT ON "issuance_log_entry"
  FOR EACH ROW EXECUTE FUNCTION "issuance_log_has_no_gap"();

-- The trust list: one living entry for each authority, four eyes, and what was approved stays as it was.
CREATE UNIQUE INDEX "trust_entry_one_living" ON "trust_entry" ("fingerprint") WHERE "state" IN ('proposed', 'active', 'suspended');
ALTER TABLE "trust_entry" ADD CONSTRAINT "trust_entry_state" CHECK (
  "state" IN ('proposed', 'rejected', 'active', 'suspended', 'expired', 'removed'));
ALTER TABLE "trust_entry" ADD CONSTRAINT "trust_entry_two_persons" CHECK ("approved_by" IS NULL OR "approved_by" <> "imported_by");
ALTER TABLE "trust_entry" ADD CONSTRAINT "trust_entry_trusted_by_two" CHECK (
  "state" NOT IN ('active', 'suspended', 'expired') OR "approved_by" IS NOT NULL);
CREATE FUNCTION "trust_entry_keeps"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - 'state' - 'approved_by' - 'approved_at' - 'approval_id' - 'changed_at' - 'reason')
     <> (to_jsonb(OLD) - 'state' - 'approved_by' - 'approved_at' - 'approval_id' - 'changed_at' - 'reason') THEN
    RAISE EXCEPTION 'a trust list entry does not change: remove it and propose another';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "trust_entry_keeps" BEFORE UPDATE ON "trust_entry" FOR EACH ROW EXECUTE FUNCTION "trust_entry_keeps"();
CREATE FUNCTION "trust_list_never_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'changes and editions of the trust list are written once';
END $$;
CREATE TRIGGER "trust_change_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "trust_change"
  FOR EACH STATEMENT EXECUTE FUNCTION "trust_list_never_changes"();
CREATE TRIGGER "trust_edition_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "trust_edition"
  FOR EACH STATEMENT EXECUTE FUNCTION "trust_list_never_changes"();
