-- The key of blind indexes changes in steps, while everything runs.
ALTER TABLE "data_key" ADD COLUMN     "closed_at" TIMESTAMPTZ(3),
ADD COLUMN     "compromised_at" TIMESTAMPTZ(3),
ADD COLUMN     "erased_at" TIMESTAMPTZ(3),
ADD COLUMN     "retired_at" TIMESTAMPTZ(3),
ADD COLUMN     "used_from" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "blind_index_pass" (
    "target" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "after_id" UUID,
    "looked" INTEGER NOT NULL DEFAULT 0,
    "moved" INTEGER NOT NULL DEFAULT 0,
    "left" INTEGER NOT NULL DEFAULT 0,
    "moved_in_all" INTEGER NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "clean_at" TIMESTAMPTZ(3),

    CONSTRAINT "blind_index_pass_pkey" PRIMARY KEY ("target","version")
);
