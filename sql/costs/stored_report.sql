-- What is stored of a report: rows, and the sum of its amounts over all currencies. One row.
SELECT count() AS rows, sum(amount) AS amount FROM costs WHERE report_id = {report_id:String}
