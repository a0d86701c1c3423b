-- Stores a token, or that it is revoked. It is on disk when the statement returns.
INSERT INTO api_tokens (token_hash, revision, name, role, created_at, expires_at, revoked_at)
SELECT
    {token_hash:String}, {revision:UInt32}, {name:String}, {role:String}, {created_at:DateTime64(3, 'UTC')},
    {expires_at:Nullable(DateTime64(3, 'UTC'))}, {revoked_at:Nullable(DateTime64(3, 'UTC'))}
SETTINGS async_insert = 0
