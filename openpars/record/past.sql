-- name: versions
-- Versions by arrest and number, each with its compartments.
SELECT v.version, v.body::text, v.ssn, p.body::text, i.body::text, v.arrest
FROM unnest(%(arrests)s::uuid[], %(versions)s::int[]) AS wanted (arrest, version)
JOIN record.version v ON v.jurisdiction = %(jurisdiction)s AND v.arrest = wanted.arrest AND v.version = wanted.version
LEFT JOIN record.participants p
    ON p.jurisdiction = v.jurisdiction AND p.arrest = v.arrest AND p.version = v.participants_version
LEFT JOIN record.interview i
    ON i.jurisdiction = v.jurisdiction AND i.arrest = v.arrest AND i.version = v.interview_version

-- name: standing_between
-- Every version that stood at some moment of the period, with the instants between which it stood. An emptied
-- version gives nothing: what was expunged was never there.
SELECT version, body, ssn, participants, interview, arrest, begins, ends FROM (
    SELECT v.version, v.body::text AS body, v.ssn, p.body::text AS participants, i.body::text AS interview, v.arrest,
        v.recorded_at AS begins,
        lead(v.recorded_at) OVER (PARTITION BY v.arrest ORDER BY v.version) AS ends
    FROM record.version v
    LEFT JOIN record.participants p
        ON p.jurisdiction = v.jurisdiction AND p.arrest = v.arrest AND p.version = v.participants_version
    LEFT JOIN record.interview i
        ON i.jurisdiction = v.jurisdiction AND i.arrest = v.arrest AND i.version = v.interview_version
    WHERE v.jurisdiction = %(jurisdiction)s AND v.arrest >= %(first)s AND v.arrest <= %(last)s
) AS stood
WHERE body IS NOT NULL AND begins < %(until)s AND (ends IS NULL OR ends > %(since)s)
ORDER BY arrest, version

-- name: count_arrests
SELECT count(*) FROM record.arrest WHERE jurisdiction = %(jurisdiction)s

-- name: arrests_after
SELECT id FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND id > %(after)s
ORDER BY id LIMIT %(limit)s
