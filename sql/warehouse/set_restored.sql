-- Says that the warehouse was restored, or, with an empty restored_at, that it was posted from since. It holds over what was
-- said before, by whatever clock.
INSERT INTO settings (name, value, changed_at)
SELECT 'restored_at', {restored_at:String},
    greatest({now:DateTime64(3, 'UTC')},
        (SELECT max(changed_at) + INTERVAL 1 MILLISECOND FROM settings WHERE name = 'restored_at'))
