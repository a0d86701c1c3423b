-- Takes out identities that a killed removal left behind before it had begun; done when the statement returns.
DELETE FROM expired_events WHERE load_seq GLOBAL NOT IN (SELECT load_seq FROM expired_loads)
