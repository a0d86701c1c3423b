-- Makes the lines of a report count.
INSERT INTO cost_reports (report_id, sha256, source, file, rows, loaded_at)
SELECT {report_id:String}, {sha256:String}, {source:String}, {file:String}, {rows:UInt64}, {loaded_at:DateTime64(3, 'UTC')}
