INSERT INTO games (id, sport, home, away, home_won, created, rated) VALUES
    ('nba-1', 'basketball', 'Lakers', 'Celtics', true, '2026-01-20 20:00Z', '2026-01-20 23:00Z'),
    ('epl-1', 'soccer', 'Arsenal', 'Everton', false, '2026-01-21 20:00Z', '2026-01-21 23:00Z'),
    ('nfl-1', 'football', 'Bears', 'Packers', true, '2026-01-22 20:00Z', NULL);
INSERT INTO jobs (game, container, version, started, ended) VALUES
    ('nba-1', 'worker-1', '1', '2026-01-20 22:59Z', '2026-01-20 23:00Z'),
    ('epl-1', 'worker-1', '1', '2026-01-21 22:59Z', '2026-01-21 23:00Z');
INSERT INTO ratings (sport, team, elo) VALUES
    ('basketball', 'Lakers', 1507.2), ('basketball', 'Celtics', 1492.8),
    ('soccer', 'Arsenal', 1490.7), ('soccer', 'Everton', 1509.3);
INSERT INTO heartbeats (container, version) VALUES ('worker-1', '1');
