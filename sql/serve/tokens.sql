-- Tokens of the HTTP API. Grain: token, the latest last.
SELECT token_hash, name, role, created_at, expires_at, revoked_at
FROM api_tokens FINAL
ORDER BY created_at, name
