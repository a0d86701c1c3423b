-- The report of a content, if it was loaded. Grain: report.
SELECT report_id, file FROM cost_reports WHERE sha256 = {sha256:String} ORDER BY loaded_at, report_id LIMIT 1
