-- Keeps a catalog's text under its hash; once is enough.
INSERT INTO catalogs (catalog_sha, text, seen_at)
SELECT {catalog_sha:String} AS sha, {text:String} AS text, {seen_at:DateTime64(3, 'UTC')} AS seen_at
WHERE sha GLOBAL NOT IN (SELECT catalog_sha FROM catalogs)
