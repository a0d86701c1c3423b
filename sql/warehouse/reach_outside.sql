-- Fails on a confined engine, whoever asks. An engine that answers could read any file of the machine for everybody.
SELECT file('/dev/null')
