// Package objects lists and reads logs in object storage: s3://bucket/key, s3://bucket/prefix/ and
// s3://bucket/prefix/*.gz. It writes the objects of backups.
//
// An object is read as it was listed. Each request carries the ETag of the listing, and each answer must have it, so an
// object that is written meanwhile is refused and never read in part old, in part new. A body that is cut short is
// continued where it ended, a bounded number of times; else reading fails. Credentials, region and endpoint are found
// as the vendor's own tools find them; no error names them.
package objects
