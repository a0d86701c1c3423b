-- Files and objects of some contents that count. Grain: file or object; the first load of a content first.
WITH committed AS (SELECT load_seq FROM loads FINAL WHERE status = 'committed')
SELECT content_sha, content_seq, content_source, name
FROM
(
    SELECT sha256 AS content_sha, load_seq AS content_seq, toString(source) AS content_source, file AS name
    FROM loads FINAL
    WHERE status = 'committed' AND sha256 IN {contents:Array(String)}
    UNION ALL
    SELECT sha256, load_seq, toString(source), url
    FROM load_objects
    WHERE sha256 IN {contents:Array(String)} AND content_load_seq = load_seq AND load_seq GLOBAL IN (committed)
)
ORDER BY content_seq, name
