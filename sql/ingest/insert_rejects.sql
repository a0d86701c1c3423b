-- Takes refused rows of a load; the columns follow in native format.
INSERT INTO rejects (load_seq, row_number, field, reason, raw)
