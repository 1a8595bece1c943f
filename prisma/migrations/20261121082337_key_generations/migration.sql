-- CreateTable
CREATE TABLE "key_generation" (
    "key_name" TEXT NOT NULL,
    "base" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "key_generation_pkey" PRIMARY KEY ("key_name")
);

-- CreateIndex
CREATE UNIQUE INDEX "key_generation_base_generation_key" ON "key_generation"("base", "generation");


