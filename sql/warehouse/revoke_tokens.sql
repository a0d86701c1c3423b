-- Revokes every token that opens the HTTP API: which of them were revoked after a backup is not known. Grain: token.
INSERT INTO api_tokens (token_hash, revision, name, role, created_at, expires_at, revoked_at)
SELECT token_hash, 2, name, role, created_at, expires_at, {now:DateTime64(3, 'UTC')}
FROM api_tokens FINAL
WHERE revoked_at IS NULL
SETTINGS async_insert = 0
