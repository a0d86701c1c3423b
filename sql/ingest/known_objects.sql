-- Versions of the objects between two URLs, both included, whose content counts by the source; with tried also those of which a load
-- was made that does not count, whatever came of it, unless it was killed. Grain: version of an object.
SELECT url, etag, size_bytes, max(content_load_seq) AS content_seq, any(sha256) AS content_sha
FROM load_objects
WHERE url >= {from:String} AND url <= {to:String} AND source = {source:String} AND etag != ''
    AND (({tried:Bool} AND load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status != 'loading' AND objects > 0))
        OR (load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed')
            AND content_load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status = 'committed')))
GROUP BY url, etag, size_bytes
