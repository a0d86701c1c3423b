-- One row: what the engine's config file was given as this start's name. Whoever answers with it has read that file, so it is
-- the engine and nobody else on its port.
SELECT getMacro('start') AS start
