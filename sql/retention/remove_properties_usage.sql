-- Empties the properties of events in usage_events before a time, of one customer or of everyone. Done when it returns.
-- on: shards
ALTER TABLE usage_events
UPDATE properties = ''
WHERE properties != '' AND occurred_at < {before:DateTime64(9, 'UTC')}
    AND ({everyone:Bool} OR customer_id = {customer:String})
SETTINGS mutations_sync = 2
