PRAGMA application_id = 1095519318;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE decision (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	batch INTEGER NOT NULL, 
	reverts INTEGER, 
	reader TEXT NOT NULL, 
	device TEXT NOT NULL, 
	at_utc TEXT NOT NULL, 
	slide TEXT NOT NULL, 
	run TEXT NOT NULL, 
	cell INTEGER NOT NULL, 
	origin_run TEXT NOT NULL, 
	origin_cell INTEGER NOT NULL, 
	act TEXT NOT NULL, 
	label_before TEXT, 
	label_after TEXT, 
	suggested TEXT, 
	centre_y REAL NOT NULL, 
	centre_x REAL NOT NULL, 
	y0 INTEGER NOT NULL, 
	x0 INTEGER NOT NULL, 
	y1 INTEGER NOT NULL, 
	x1 INTEGER NOT NULL, 
	previous_hash TEXT NOT NULL, 
	hash TEXT NOT NULL
);
INSERT INTO "decision" VALUES(1,1,NULL,'m.k.','bench','2026-11-21T16:12:41.097302+00:00','slide','run',1,'run',1,'relabel',NULL,'blast','blast',10.25,0.1,10,0,19,8,'66735e14a9c4402c0428a8a8c2bdd7d514ce3dde8971594d98517aa0b5399802','faf550ed6f2eb58decc190c9e7f1e7479e8277dca824cb37246a230bef7b9608');
INSERT INTO "decision" VALUES(2,1,NULL,'m.k.','bench','2026-11-21T16:12:41.097302+00:00','slide','run',2,'run',2,'relabel',NULL,'normal','blast',20.5,0.1,20,0,29,8,'faf550ed6f2eb58decc190c9e7f1e7479e8277dca824cb37246a230bef7b9608','26c9e1710a28efbd3e57451ec23495c6fcffe7fc75e2629bcc0fc672f027d70b');
INSERT INTO "decision" VALUES(3,3,NULL,'m.k.','bench','2026-11-21T16:12:41.127658+00:00','slide','run',1,'run',1,'relabel','blast','normal','blast',10.25,0.1,10,0,19,8,'26c9e1710a28efbd3e57451ec23495c6fcffe7fc75e2629bcc0fc672f027d70b','eddc7cd02d511ebfa329a0f56d67622c633ed442fffac4b7f7402b3c53c1d0c1');
INSERT INTO "decision" VALUES(4,4,3,'m.k.','bench','2026-11-21T16:12:41.168236+00:00','slide','run',1,'run',1,'undo','normal','blast','blast',10.25,0.1,10,0,19,8,'eddc7cd02d511ebfa329a0f56d67622c633ed442fffac4b7f7402b3c53c1d0c1','1fa618f1ecd5fa2230cf6234ee456f83733e68a87b2a0248287fe1a9b61aba6b');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	at_utc TEXT NOT NULL, 
	program TEXT NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1,'2026-11-21T16:12:41.057068+00:00','allviewer 0.1.0');
CREATE TABLE sighting (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	slide TEXT NOT NULL, 
	name TEXT NOT NULL, 
	path TEXT NOT NULL, 
	pixel_size_um REAL, 
	reader TEXT NOT NULL, 
	at_utc TEXT NOT NULL
);
INSERT INTO "sighting" VALUES(1,'slide','a.png','/smears/a.png',0.1,'m.k.','2026-11-21T16:12:41.087500+00:00');
CREATE TABLE slide (
	digest TEXT NOT NULL, 
	height INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	at_utc TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "slide" VALUES('slide',100,200,'2026-11-21T16:12:41.072943+00:00');
CREATE TABLE study (
	uid TEXT NOT NULL, 
	created_at_utc TEXT NOT NULL, 
	PRIMARY KEY (uid)
);
INSERT INTO "study" VALUES('1fd38065-fb60-4ebc-bd91-179c290701f5','2026-11-21T16:12:41.056410+00:00');
CREATE TRIGGER study_update BEFORE UPDATE ON study BEGIN SELECT RAISE(ABORT, 'rows of study are never changed'); END;
CREATE TRIGGER study_delete BEFORE DELETE ON study BEGIN SELECT RAISE(ABORT, 'rows of study are never changed'); END;
CREATE TRIGGER study_replace BEFORE INSERT ON study WHEN EXISTS (SELECT 1 FROM study) BEGIN SELECT RAISE(ABORT, 'rows of study are never changed'); END;
CREATE TRIGGER schema_version_update BEFORE UPDATE ON schema_version BEGIN SELECT RAISE(ABORT, 'rows of schema_version are never changed'); END;
CREATE TRIGGER schema_version_delete BEFORE DELETE ON schema_version BEGIN SELECT RAISE(ABORT, 'rows of schema_version are never changed'); END;
CREATE TRIGGER schema_version_replace BEFORE INSERT ON schema_version WHEN EXISTS (SELECT 1 FROM schema_version WHERE version = NEW.version) BEGIN SELECT RAISE(ABORT, 'rows of schema_version are never changed'); END;
CREATE TRIGGER slide_update BEFORE UPDATE ON slide BEGIN SELECT RAISE(ABORT, 'rows of slide are never changed'); END;
CREATE TRIGGER slide_delete BEFORE DELETE ON slide BEGIN SELECT RAISE(ABORT, 'rows of slide are never changed'); END;
CREATE TRIGGER slide_replace BEFORE INSERT ON slide WHEN EXISTS (SELECT 1 FROM slide WHERE digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'rows of slide are never changed'); END;
CREATE TRIGGER sighting_update BEFORE UPDATE ON sighting BEGIN SELECT RAISE(ABORT, 'rows of sighting are never changed'); END;
CREATE TRIGGER sighting_delete BEFORE DELETE ON sighting BEGIN SELECT RAISE(ABORT, 'rows of sighting are never changed'); END;
CREATE TRIGGER sighting_replace BEFORE INSERT ON sighting WHEN EXISTS (SELECT 1 FROM sighting WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'rows of sighting are never changed'); END;
CREATE INDEX decision_of_chain ON decision (reader, device, id);
CREATE INDEX decision_of_slide ON decision (slide, id);
CREATE TRIGGER decision_update BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'rows of decision are never changed'); END;
CREATE TRIGGER decision_delete BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'rows of decision are never changed'); END;
CREATE TRIGGER decision_replace BEFORE INSERT ON decision WHEN EXISTS (SELECT 1 FROM decision WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'rows of decision are never changed'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('sighting',1);
INSERT INTO "sqlite_sequence" VALUES('decision',4);
COMMIT;