-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "staff" (
    "id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "organisation_id" UUID NOT NULL,
    "roles" TEXT[],
    "appointed_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "staff_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "approval" (
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "digest" BYTEA NOT NULL,
    "organisation_id" UUID NOT NULL,
    "requested_by" UUID NOT NULL,
    "requested_as" UUID NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL,
    "decided_by" UUID,
    "decided_as" UUID,
    "decided_at" TIMESTAMPTZ(3),
    "reason" TEXT,
    "taken_at" TIMESTAMPTZ(3),

    CONSTRAINT "approval_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" JSONB NOT NULL,

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_link" (
    "position" BIGINT NOT NULL,
    "event_id" UUID NOT NULL,
    "event_hash" BYTEA NOT NULL,
    "chain_hash" BYTEA NOT NULL,

    CONSTRAINT "audit_link_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "audit_pending" (
    "event_id" UUID NOT NULL,

    CONSTRAINT "audit_pending_pkey" PRIMARY KEY ("event_id")
);

-- CreateTable
CREATE TABLE "audit_checkpoint" (
    "position" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "chain_hash" BYTEA NOT NULL,
    "document" JSONB NOT NULL,

    CONSTRAINT "audit_checkpoint_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "issued_certificate" (
    "id" UUID NOT NULL,
    "serial_hex" TEXT NOT NULL,
    "issuer_key" TEXT NOT NULL,
    "authority_key" TEXT,
    "profile" TEXT NOT NULL,
    "suite" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "not_after" TIMESTAMPTZ(3) NOT NULL,
    "tbs" BYTEA NOT NULL,
    "der" BYTEA,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,
    "issued_by" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revocation_reason" TEXT,
    "invalidity_date" TIMESTAMPTZ(3),
    "revoked_by" TEXT,

    CONSTRAINT "issued_certificate_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "revocation_list" (
    "issuer_key" TEXT NOT NULL,
    "number" BIGINT NOT NULL,
    "this_update" TIMESTAMPTZ(3) NOT NULL,
    "next_update" TIMESTAMPTZ(3) NOT NULL,
    "entries" INTEGER NOT NULL,
    "tbs" BYTEA NOT NULL,
    "der" BYTEA,

    CONSTRAINT "revocation_list_pkey" PRIMARY KEY ("issuer_key","number")
);

-- CreateTable
CREATE TABLE "ocsp_answer" (
    "serial_hex" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revocation_reason" TEXT,
    "der" BYTEA NOT NULL,
    "this_update" TIMESTAMPTZ(3) NOT NULL,
    "next_update" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ocsp_answer_pkey" PRIMARY KEY ("serial_hex","digest")
);

-- CreateTable
CREATE TABLE "code_key" (
    "kid" INTEGER NOT NULL,
    "key_name" TEXT NOT NULL,
    "suite" TEXT NOT NULL,
    "spki" BYTEA NOT NULL,
    "mint_from" TIMESTAMPTZ(3) NOT NULL,
    "mint_until" TIMESTAMPTZ(3),
    "predecessor" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "certificate" BYTEA,
    "issuer" BYTEA,

    CONSTRAINT "code_key_pkey" PRIMARY KEY ("kid")
);

-- CreateTable
CREATE TABLE "job_lease" (
    "name" TEXT NOT NULL,
    "holder" TEXT,
    "leased_until" TIMESTAMPTZ(3),
    "last_started_at" TIMESTAMPTZ(3),
    "last_finished_at" TIMESTAMPTZ(3),
    "last_error" TEXT,

    CONSTRAINT "job_lease_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "licence" (
    "id" UUID NOT NULL,
    "identifier" TEXT NOT NULL,
    "type_key" TEXT NOT NULL,
    "type_code" TEXT NOT NULL,
    "issuer_code" TEXT NOT NULL,
    "serial" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "issuer_organisation_id" UUID NOT NULL,
    "holder_kind" TEXT NOT NULL,
    "holder_id" UUID NOT NULL,
    "status" TEXT NOT NULL,
    "status_changed_at" TIMESTAMPTZ(3) NOT NULL,
    "content" BYTEA NOT NULL,
    "photo" BYTEA,
    "valid_from" TIMESTAMPTZ(3) NOT NULL,
    "valid_to" TIMESTAMPTZ(3),
    "prepared_at" TIMESTAMPTZ(3) NOT NULL,
    "prepared_by" TEXT NOT NULL,
    "issued_at" TIMESTAMPTZ(3),
    "status_index" BIGINT NOT NULL,
    "public_token_index" BYTEA NOT NULL,
    "public_token" BYTEA NOT NULL,
    "request_id" TEXT,
    "replaces_id" UUID,
    "ofd_file" TEXT,
    "ofd_digest" TEXT,
    "pdf_file" TEXT,
    "pdf_digest" TEXT,

    CONSTRAINT "licence_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "issue_attempt" (
    "id" UUID NOT NULL,
    "licence_id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "abandoned_at" TIMESTAMPTZ(3),

    CONSTRAINT "issue_attempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "licence_status_change" (
    "id" UUID NOT NULL,
    "licence_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "from_status" TEXT NOT NULL,
    "to_status" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "actor" TEXT NOT NULL,

    CONSTRAINT "licence_status_change_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "look_up" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "code_id" BYTEA,
    "use_number" INTEGER,
    "via" TEXT,
    "licence_id" UUID NOT NULL,
    "holder_id" UUID NOT NULL,
    "organisation_id" UUID NOT NULL,
    "actor" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "verdict" TEXT NOT NULL,
    "licence_status" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "claimed_at" TIMESTAMPTZ(3),
    "receipt" TEXT,

    CONSTRAINT "look_up_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "status_list" (
    "id" INTEGER NOT NULL,
    "size" BIGINT NOT NULL,
    "changes" BIGINT NOT NULL DEFAULT 0,
    "token" TEXT,
    "published" BIGINT NOT NULL DEFAULT 0,
    "published_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "status_list_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oidc_client" (
    "id" TEXT NOT NULL,
    "name_zh" TEXT NOT NULL,
    "name_en" TEXT NOT NULL,
    "operator_zh" TEXT NOT NULL,
    "operator_en" TEXT NOT NULL,
    "contact" TEXT,
    "purpose_zh" TEXT NOT NULL,
    "purpose_en" TEXT NOT NULL,
    "homepage" TEXT,
    "first_party" BOOLEAN NOT NULL DEFAULT false,
    "organisation_id" UUID,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "sector" TEXT NOT NULL,
    "logout_uri" TEXT,
    "logout_with_sid" BOOLEAN NOT NULL DEFAULT true,
    "required_claims" TEXT[],
    "metadata" JSONB NOT NULL,
    "sealed_secret" BYTEA,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "oidc_client_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oidc_session" (
    "uid" TEXT NOT NULL,
    "id_hash" BYTEA,
    "person_id" TEXT,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "logout_id" UUID,

    CONSTRAINT "oidc_session_pkey" PRIMARY KEY ("uid")
);

-- CreateTable
CREATE TABLE "oidc_participation" (
    "session_uid" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "person_id" TEXT NOT NULL,
    "sid" TEXT NOT NULL,
    "grant_id" TEXT,
    "persists_logout" BOOLEAN NOT NULL DEFAULT false,
    "first_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "left_at" TIMESTAMPTZ(3),

    CONSTRAINT "oidc_participation_pkey" PRIMARY KEY ("session_uid","client_id")
);

-- CreateTable
CREATE TABLE "oidc_grant" (
    "id" TEXT NOT NULL,
    "session_uid" TEXT,
    "client_id" TEXT NOT NULL,
    "person_id" TEXT NOT NULL,
    "sid" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "oidc_grant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oidc_consent" (
    "person_id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "scopes" TEXT[],
    "claims" TEXT[],
    "rejected_scopes" TEXT[],
    "rejected_claims" TEXT[],
    "text_version" TEXT NOT NULL,
    "given_at" TIMESTAMPTZ(3) NOT NULL,
    "withdrawn_at" TIMESTAMPTZ(3),

    CONSTRAINT "oidc_consent_pkey" PRIMARY KEY ("person_id","client_id")
);

-- CreateTable
CREATE TABLE "oidc_refresh_token" (
    "id_hash" BYTEA NOT NULL,
    "grant_id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "person_id" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "consumed_at" TIMESTAMPTZ(3),

    CONSTRAINT "oidc_refresh_token_pkey" PRIMARY KEY ("id_hash")
);

-- CreateTable
CREATE TABLE "oidc_logout" (
    "id" UUID NOT NULL,
    "person_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "oidc_logout_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oidc_logout_delivery" (
    "id" UUID NOT NULL,
    "logout_id" UUID NOT NULL,
    "client_id" TEXT NOT NULL,
    "person_id" TEXT NOT NULL,
    "sid" TEXT,
    "state" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "locked_until" TIMESTAMPTZ(3),
    "settled_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "oidc_logout_delivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oidc_signing_key" (
    "kid" TEXT NOT NULL,
    "alg" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "sealed_jwk" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "promoted_at" TIMESTAMPTZ(3),
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "oidc_signing_key_pkey" PRIMARY KEY ("kid")
);

-- CreateTable
CREATE TABLE "person" (
    "id" UUID NOT NULL,
    "name" BYTEA,
    "citizen_number" BYTEA,
    "citizen_number_index" BYTEA,
    "phone" BYTEA,
    "phone_index" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "person_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "assurance_evidence" (
    "id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "level" SMALLINT NOT NULL,
    "method" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "assurance_evidence_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "organisation" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "uscc" TEXT,
    "internal_code" TEXT,
    "organisation_code" TEXT,
    "division_code" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "organisation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "seal" (
    "id" UUID NOT NULL,
    "es_id" TEXT,
    "organisation_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "division_code" TEXT NOT NULL,
    "licence_types" TEXT[],
    "status" TEXT NOT NULL,
    "replaces_id" UUID,
    "approval_id" UUID,
    "applied_at" TIMESTAMPTZ(3) NOT NULL,
    "applied_by" TEXT NOT NULL,
    "made_at" TIMESTAMPTZ(3),
    "valid_from" TIMESTAMPTZ(3),
    "valid_to" TIMESTAMPTZ(3),
    "seal" BYTEA,
    "picture_png" BYTEA,
    "width_mm" INTEGER,
    "height_mm" INTEGER,
    "key_name" TEXT,
    "certificate" BYTEA,
    "certificate_serial" TEXT,
    "pdf_key_name" TEXT,
    "pdf_certificates" BYTEA[],
    "pdf_certificate_serial" TEXT,

    CONSTRAINT "seal_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "seal_serial" (
    "division_code" TEXT NOT NULL,
    "last" INTEGER NOT NULL,

    CONSTRAINT "seal_serial_pkey" PRIMARY KEY ("division_code")
);

-- CreateTable
CREATE TABLE "seal_use" (
    "id" UUID NOT NULL,
    "seal_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "digest" TEXT NOT NULL,

    CONSTRAINT "seal_use_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "seal_maker" (
    "certificate_serial" TEXT NOT NULL,
    "key_name" TEXT NOT NULL,
    "certificate" BYTEA NOT NULL,
    "valid_to" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "seal_maker_pkey" PRIMARY KEY ("certificate_serial")
);

-- CreateTable
CREATE TABLE "password_credential" (
    "person_id" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "password_credential_pkey" PRIMARY KEY ("person_id")
);

-- CreateTable
CREATE TABLE "sign_in_guard" (
    "key" BYTEA NOT NULL,
    "tries" INTEGER NOT NULL,
    "locked_until" TIMESTAMPTZ(3),
    "last_try_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sign_in_guard_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "known_device" (
    "id" UUID NOT NULL,
    "person_id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "known_device_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "browser_session" (
    "id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "person_id" UUID NOT NULL,
    "acr" TEXT NOT NULL,
    "amr" TEXT[],
    "auth_time" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "user_agent" BYTEA,

    CONSTRAINT "browser_session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "data_key" (
    "purpose" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "wrapped" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "data_key_pkey" PRIMARY KEY ("purpose","version")
);

-- CreateIndex
CREATE INDEX "staff_person_id_idx" ON "staff"("person_id");

-- CreateIndex
CREATE INDEX "staff_organisation_id_idx" ON "staff"("organisation_id");

-- CreateIndex
CREATE INDEX "approval_organisation_id_status_idx" ON "approval"("organisation_id", "status");

-- CreateIndex
CREATE INDEX "approval_kind_subject_idx" ON "approval"("kind", "subject");

-- CreateIndex
CREATE INDEX "audit_event_subject_at_idx" ON "audit_event"("subject", "at");

-- CreateIndex
CREATE INDEX "audit_event_actor_at_idx" ON "audit_event"("actor", "at");

-- CreateIndex
CREATE UNIQUE INDEX "audit_link_event_id_key" ON "audit_link"("event_id");

-- CreateIndex
CREATE UNIQUE INDEX "issued_certificate_serial_hex_key" ON "issued_certificate"("serial_hex");

-- CreateIndex
CREATE UNIQUE INDEX "issued_certificate_authority_key_key" ON "issued_certificate"("authority_key");

-- CreateIndex
CREATE INDEX "issued_certificate_issuer_key_revoked_at_idx" ON "issued_certificate"("issuer_key", "revoked_at");

-- CreateIndex
CREATE INDEX "issued_certificate_profile_not_after_idx" ON "issued_certificate"("profile", "not_after");

-- CreateIndex
CREATE UNIQUE INDEX "code_key_key_name_key" ON "code_key"("key_name");

-- CreateIndex
CREATE UNIQUE INDEX "code_key_suite_predecessor_key" ON "code_key"("suite", "predecessor");

-- CreateIndex
CREATE UNIQUE INDEX "licence_identifier_key" ON "licence"("identifier");

-- CreateIndex
CREATE UNIQUE INDEX "licence_status_index_key" ON "licence"("status_index");

-- CreateIndex
CREATE UNIQUE INDEX "licence_public_token_index_key" ON "licence"("public_token_index");

-- CreateIndex
CREATE INDEX "licence_holder_id_status_idx" ON "licence"("holder_id", "status");

-- CreateIndex
CREATE INDEX "licence_issuer_organisation_id_issued_at_id_idx" ON "licence"("issuer_organisation_id", "issued_at", "id");

-- CreateIndex
CREATE INDEX "licence_status_prepared_at_idx" ON "licence"("status", "prepared_at");

-- CreateIndex
CREATE UNIQUE INDEX "licence_issuer_organisation_id_request_id_key" ON "licence"("issuer_organisation_id", "request_id");

-- CreateIndex
CREATE INDEX "issue_attempt_licence_id_idx" ON "issue_attempt"("licence_id");

-- CreateIndex
CREATE INDEX "licence_status_change_licence_id_at_idx" ON "licence_status_change"("licence_id", "at");

-- CreateIndex
CREATE INDEX "look_up_organisation_id_id_idx" ON "look_up"("organisation_id", "id");

-- CreateIndex
CREATE INDEX "look_up_holder_id_id_idx" ON "look_up"("holder_id", "id");

-- CreateIndex
CREATE INDEX "look_up_licence_id_at_idx" ON "look_up"("licence_id", "at");

-- CreateIndex
CREATE UNIQUE INDEX "look_up_code_id_use_number_key" ON "look_up"("code_id", "use_number");

-- CreateIndex
CREATE UNIQUE INDEX "look_up_actor_request_id_key" ON "look_up"("actor", "request_id");

-- CreateIndex
CREATE UNIQUE INDEX "oidc_session_id_hash_key" ON "oidc_session"("id_hash");

-- CreateIndex
CREATE INDEX "oidc_session_person_id_idx" ON "oidc_session"("person_id");

-- CreateIndex
CREATE INDEX "oidc_session_expires_at_idx" ON "oidc_session"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "oidc_participation_sid_key" ON "oidc_participation"("sid");

-- CreateIndex
CREATE INDEX "oidc_participation_person_id_client_id_idx" ON "oidc_participation"("person_id", "client_id");

-- CreateIndex
CREATE INDEX "oidc_grant_person_id_client_id_idx" ON "oidc_grant"("person_id", "client_id");

-- CreateIndex
CREATE INDEX "oidc_grant_expires_at_idx" ON "oidc_grant"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "oidc_grant_session_uid_client_id_key" ON "oidc_grant"("session_uid", "client_id");

-- CreateIndex
CREATE INDEX "oidc_refresh_token_grant_id_idx" ON "oidc_refresh_token"("grant_id");

-- CreateIndex
CREATE INDEX "oidc_refresh_token_expires_at_idx" ON "oidc_refresh_token"("expires_at");

-- CreateIndex
CREATE INDEX "oidc_logout_person_id_at_idx" ON "oidc_logout"("person_id", "at");

-- CreateIndex
CREATE INDEX "oidc_logout_delivery_logout_id_idx" ON "oidc_logout_delivery"("logout_id");

-- CreateIndex
CREATE INDEX "oidc_logout_delivery_state_due_at_idx" ON "oidc_logout_delivery"("state", "due_at");

-- CreateIndex
CREATE UNIQUE INDEX "person_citizen_number_index_key" ON "person"("citizen_number_index");

-- CreateIndex
CREATE UNIQUE INDEX "person_phone_index_key" ON "person"("phone_index");

-- CreateIndex
CREATE INDEX "assurance_evidence_person_id_idx" ON "assurance_evidence"("person_id");

-- CreateIndex
CREATE UNIQUE INDEX "organisation_uscc_key" ON "organisation"("uscc");

-- CreateIndex
CREATE UNIQUE INDEX "organisation_internal_code_key" ON "organisation"("internal_code");

-- CreateIndex
CREATE UNIQUE INDEX "seal_es_id_key" ON "seal"("es_id");

-- CreateIndex
CREATE INDEX "seal_organisation_id_status_idx" ON "seal"("organisation_id", "status");

-- CreateIndex
CREATE INDEX "seal_use_seal_id_at_idx" ON "seal_use"("seal_id", "at");

-- CreateIndex
CREATE INDEX "seal_use_digest_idx" ON "seal_use"("digest");

-- CreateIndex
CREATE INDEX "sign_in_guard_last_try_at_idx" ON "sign_in_guard"("last_try_at");

-- CreateIndex
CREATE UNIQUE INDEX "known_device_token_hash_key" ON "known_device"("token_hash");

-- CreateIndex
CREATE INDEX "known_device_person_id_idx" ON "known_device"("person_id");

-- CreateIndex
CREATE INDEX "known_device_expires_at_idx" ON "known_device"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "browser_session_token_hash_key" ON "browser_session"("token_hash");

-- CreateIndex
CREATE INDEX "browser_session_person_id_ended_at_idx" ON "browser_session"("person_id", "ended_at");

-- CreateIndex
CREATE INDEX "browser_session_expires_at_idx" ON "browser_session"("expires_at");

-- AddForeignKey
ALTER TABLE "audit_link" ADD CONSTRAINT "audit_link_event_id_fkey" FOREIGN KEY ("event_id") REFERENCES "audit_event"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "issue_attempt" ADD CONSTRAINT "issue_attempt_licence_id_fkey" FOREIGN KEY ("licence_id") REFERENCES "licence"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "licence_status_change" ADD CONSTRAINT "licence_status_change_licence_id_fkey" FOREIGN KEY ("licence_id") REFERENCES "licence"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "oidc_logout_delivery" ADD CONSTRAINT "oidc_logout_delivery_logout_id_fkey" FOREIGN KEY ("logout_id") REFERENCES "oidc_logout"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "assurance_evidence" ADD CONSTRAINT "assurance_evidence_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "person"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "seal_use" ADD CONSTRAINT "seal_use_seal_id_fkey" FOREIGN KEY ("seal_id") REFERENCES "seal"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


