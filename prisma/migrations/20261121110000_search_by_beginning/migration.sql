-- Operators look certificates up by how a name or a serial number begins; an ordinary index serves LIKE in the C collation only.
CREATE INDEX "issued_certificate_subject_beginning" ON "issued_certificate" ("subject" text_pattern_ops);
CREATE INDEX "issued_certificate_serial_beginning" ON "issued_certificate" ("serial_hex" text_pattern_ops);
