"""The script that HAProxy runs: it carries counts over a reload, and answers ``show counts``.

Every process holds a connection to its own runtime API. By it the script reads the table, also in a process that a
reload replaced, whose sockets are the next one's; and while it is open HAProxy does not end. A replaced process sends
the rows that changed to the one that answers now, until nothing is open and the last are sent. Rows are absolute, so
one may be sent twice. ``show counts`` answers the sums of all other processes and those of all processes some minutes
before; ``waiting`` until the process before has sent its rows.
"""

from switchyard.core.edge_counts import TABLE

ROWS_MOST = 2000
"""Rows of processes that ended which are kept. Those of the oldest releases fall out."""
WINDOW, EVERY = 300, 30
"""Seconds that the earliest rows are old at most, and between two times at which rows are remembered."""

_SCRIPT = r"""
local SOCKET, ROWS_MOST, WINDOW, EVERY = "@HOME@/run/edge.sock", @ROWS_MOST@, @WINDOW@, @EVERY@
local COLUMNS = {"conn_cnt", "conn_cur", "bytes_in_cnt", "bytes_out_cnt", "gpc0", "gpc1", "http_err_cnt"}
local OPEN = 2 -- the column that goes down
local BATCH, SILENT, LATE, FAILURES = 40, 30, 20, 10
local kept = {} -- sums of the processes that ended
local ending = {} -- id of a process that ends -> its rows, and when they came
local ended = {} -- ids of processes whose last rows came
local remembered = {} -- earlier sums, each with its time

local function now()
  local time = core.now()
  return time.sec + time.usec / 1000000
end

-- Return the process id of the process that this one replaces, or nil.
local function predecessor()
  local pid, least = nil, math.huge
  for worker in (os.getenv("HAPROXY_PROCESSES") or ""):gmatch("type=w[^|]*") do
    local reloads = tonumber(worker:match("reloads=(%d+)") or 0)
    if reloads < least then pid, least = worker:match(";pid=(%d+)"), reloads end
  end
  return pid
end

local started = now()
local since, awaited, id = started, predecessor(), nil

local function is_stopping()
  return core.get_info().Stopping == 1
end

local function add(sums, rows, is_over)
  for key, row in pairs(rows) do
    local sum = sums[key] or {0, 0, 0, 0, 0, 0, 0}
    for column, number in ipairs(row) do
      if column ~= OPEN or not is_over then sum[column] = sum[column] + number end
    end
    sums[key] = sum
  end
end

local function release(key)
  return key:match("^[^|]*|[^|]*|[^|]*|([^|]*)")
end

local function keep(from)
  add(kept, ending[from].rows, true)
  ending[from], ended[from] = nil, true
  local keys = {}
  for key in pairs(kept) do
    if release(key) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(one, other) return release(one) < release(other) end)
  for place = 1, #keys - ROWS_MOST do kept[keys[place]] = nil end
end

local function line(key, row)
  return key .. "," .. table.concat(row, ",")
end

local function receive(rows, text)
  local key, numbers = text:match("^([^,]+),(.+)$")
  local row, column = rows[key] or {0, 0, 0, 0, 0, 0, 0}, 0
  for number in numbers:gmatch("%d+") do
    column = column + 1
    row[column] = column == OPEN and tonumber(number) or math.max(row[column], tonumber(number))
  end
  rows[key] = row
end

local function take(applet, _, _, from, first, word, ...)
  if not id or is_stopping() then
    applet:send("refused\n")
    return
  end
  since = math.min(since, tonumber(first) or since)
  if from and not ended[from] then
    ending[from] = ending[from] or {rows = {}}
    ending[from].heard = now()
    for _, text in ipairs({...}) do receive(ending[from].rows, text) end
    if word == "end" then keep(from) end
  end
  if from and word ~= "more" and from:match("^%d+") == awaited then awaited = nil end
  applet:send("taken " .. id .. "\n")
end
core.register_cli({"take", "counts"}, "take counts [<process> <since> more|all|end <row>...]", take)

local function show(applet)
  if not id or awaited then
    applet:send("waiting\n")
    return
  end
  local others, earliest = {}, remembered[1] or {at = since, rows = {}}
  add(others, kept)
  for _, other in pairs(ending) do add(others, other.rows) end
  applet:send(string.format("counts since=%.3f now=%.3f before=%.3f\n", since, now(), earliest.at))
  for key, row in pairs(others) do applet:send("other " .. line(key, row) .. "\n") end
  for key, row in pairs(earliest.rows) do applet:send("before " .. line(key, row) .. "\n") end
end
core.register_cli({"show", "counts"}, "show counts", show)

-- Return a connection to the process that answers now, or nil. Either side closes one that is idle for so long.
local function connect(seconds)
  local connection = core.tcp()
  connection:settimeout(seconds)
  if not connection:connect(SOCKET) then return nil end
  connection:send("prompt\nset timeout cli " .. seconds .. "\n")
  return connection
end

-- Return the id of the process that took what was sent, or nil.
local function answer_of(connection)
  while true do
    local text = connection:receive("*l")
    if not text or text:find("refused") then return nil end
    if text:find("taken") then return text:match("taken (%S+)") end
  end
end

-- Send rows over a connection. Return the id of the process that took them, or nil.
local function send(connection, from, rows, word)
  local texts, place, answer = {}, 1, nil
  for key, row in pairs(rows) do texts[#texts + 1] = line(key, row) end
  repeat
    local last = math.min(place + BATCH - 1, #texts)
    local state = last == #texts and word or "more"
    local words = {"take counts", from, string.format("%.3f", since), state, table.unpack(texts, place, last)}
    connection:send(table.concat(words, " ") .. "\n")
    answer = answer_of(connection)
    place = last + 1
  until place > #texts or not answer
  return answer
end

local function differing(rows, sent)
  local changed = {}
  for key, row in pairs(rows) do
    if sent[key] ~= line(key, row) then changed[key] = row end
  end
  return changed
end

-- Return a connection to this process itself. During a reload, another may answer.
local function hold()
  while true do
    local connection = connect(10 * EVERY)
    if connection then
      connection:send("take counts\n")
      if answer_of(connection) == id then return connection end
      connection:close()
    end
    core.msleep(20)
  end
end

-- Return the rows of this process and the sums of those that ended, or nil.
local function own(held)
  local rows, is_table = {}, false
  held:send("show table @TABLE@\n")
  while true do
    local text = held:receive("*l")
    if not text then return nil end
    is_table = is_table or text:find("# table")
    if is_table and text == "" then break end
    local key, row = text:match(" key=(%S+)"), {}
    for column, name in ipairs(COLUMNS) do row[column] = tonumber(text:match(" " .. name .. "=(%d+)") or 0) end
    if key then rows[key] = row end
  end
  add(rows, kept)
  return rows
end

-- Tell the process that answers now what changed. Return whether the last rows are told.
local function tell(connection, held, told)
  local is_quiet, rows = core.get_info().CurrConns == 0, own(held)
  if not rows then return true end
  local successor = send(connection, id, {}, "more")
  if not successor then return false end
  if successor ~= told.successor then
    told.successor, told.rows = successor, {}
    for from, other in pairs(ending) do send(connection, from, other.rows, "more") end
  end
  local changed = differing(rows, told.rows)
  local is_last = is_quiet and next(changed) == nil
  if send(connection, id, changed, is_last and "end" or "all") ~= successor then return false end
  for key, row in pairs(changed) do told.rows[key] = line(key, row) end
  told.is_heard = true
  return is_last
end

-- Tell a successor until it knows all. Without one, HAProxy was asked to stop.
local function hand_over(held)
  local told, is_told, failures = {}, false, 0
  while not is_told and failures < FAILURES do
    local connection = connect(5)
    told.is_heard = false
    if connection then
      is_told = tell(connection, held, told)
      connection:close()
    end
    failures = told.is_heard and 0 or failures + 1
    if not is_told then core.msleep(told.is_heard and 300 or 100) end
  end
end

-- Remember the sums of now, and take what silent processes sent for their last. Return whether the rows were read.
local function remember(held)
  local time, newest = now(), remembered[#remembered]
  if awaited and time - started > LATE then awaited = nil end
  for from, other in pairs(ending) do
    if time - other.heard > SILENT then keep(from) end
  end
  if awaited or newest and time - newest.at < EVERY then return true end
  local rows = own(held)
  if not rows then return false end
  for _, other in pairs(ending) do add(rows, other.rows) end
  remembered[#remembered + 1] = {at = time, rows = rows}
  if #remembered > WINDOW / EVERY then table.remove(remembered, 1) end
  return true
end

core.register_task(function()
  id = string.format("%d.%.3f", core.get_info().Pid, started)
  local held = hold()
  while not is_stopping() do
    if not remember(held) then held = hold() end
    core.msleep(200)
  end
  hand_over(held)
  held:close()
end)
"""


def script(home: str) -> str:
    """Return the script for an edge whose container has its folders in ``home``."""
    values = {"HOME": home, "ROWS_MOST": ROWS_MOST, "WINDOW": WINDOW, "EVERY": EVERY, "TABLE": TABLE}
    text = _SCRIPT.lstrip()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text
