-- Whether a row is the one that counts of those with its identity: no load that counts has one before it. Input: counted.
    (SELECT groupArray(load_seq) FROM counted) AS counted_loads,
    superseded_by -> empty(superseded_by) OR NOT hasAny(superseded_by, counted_loads) AS is_first,
