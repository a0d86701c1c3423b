-- Takes the objects of a load; the columns follow in native format.
INSERT INTO load_objects (load_seq, url, etag, size_bytes, modified_at, sha256, source, first_row, rows, content_load_seq)
