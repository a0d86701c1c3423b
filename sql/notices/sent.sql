-- Notices that were sent, of some kinds. Grain: notice. Inputs: kinds.
SELECT DISTINCT kind, subject, about
FROM notices
WHERE kind IN {kinds:Array(String)}
