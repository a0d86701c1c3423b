-- Takes the rows of one block of a load; the columns follow in native format, in the order in which they are named.
INSERT INTO usage_events (load_seq, row_number, source, event_id, id_hash, occurred_at, customer_id, model,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, properties) VALUES
