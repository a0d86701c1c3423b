-- Says whether analysts see the properties of log rows, from now on. Input: value (shown or hidden).
INSERT INTO settings (name, value, changed_at)
SELECT 'analyst_properties', {value:String}, {now:DateTime64(3, 'UTC')}
