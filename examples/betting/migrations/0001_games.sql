CREATE TABLE games (
    id text PRIMARY KEY,
    sport text NOT NULL,
    home text NOT NULL,
    away text NOT NULL,
    home_won boolean NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    rated timestamptz
);
CREATE INDEX games_unrated ON games (created) WHERE rated IS NULL;
CREATE TABLE ratings (
    sport text NOT NULL,
    team text NOT NULL,
    elo double precision NOT NULL,
    PRIMARY KEY (sport, team)
);
CREATE TABLE heartbeats (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    container text NOT NULL,
    version text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE jobs (
    game text PRIMARY KEY REFERENCES games (id),
    container text NOT NULL,
    version text NOT NULL,
    started timestamptz NOT NULL,
    ended timestamptz NOT NULL DEFAULT clock_timestamp()
);
