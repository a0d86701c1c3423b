-- Records notices that were sent. Inputs: three lists of the same length, and when.
INSERT INTO notices (kind, subject, about, sent_at)
SELECT kind, subject, about, {sent_at:DateTime64(3, 'UTC')}
FROM (SELECT arrayJoin(arrayZip({kinds:Array(String)}, {subjects:Array(String)}, {abouts:Array(String)})) AS notice,
    notice.1 AS kind, notice.2 AS subject, notice.3 AS about)
