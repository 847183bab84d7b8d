-- Runs of messages, as receipts store them. Requires prelude.lua.

-- Adds the run first…last to stored runs `a-b@stamp,…` (`a-b` without a stamp). Existing runs keep their stamps; runs that
-- end before `floor` are dropped. Returns the new text and the runs that were missing, as `a-b`.
local function add_run(text, first, last, stamp, floor)
  local runs, added, at = {}, {}, math.max(first, floor)
  local function put(a, b, s)
    local top = runs[#runs]
    if top and top[3] == s and top[2] + 1 >= a then
      top[2] = math.max(top[2], b)
    else
      runs[#runs + 1] = {a, b, s}
    end
  end
  local function add(a, b)
    put(a, b, stamp)
    added[#added + 1] = integer(a) .. '-' .. integer(b)
  end
  for a, b, s in string.gmatch(text, '(%d+)%-(%d+)@?(%d*)') do
    a, b = tonumber(a), tonumber(b)
    if b >= floor then
      if at <= last and a > at then add(at, math.min(a - 1, last)) end
      put(a, b, s)
      at = math.max(at, b + 1)
    end
  end
  if at <= last then add(at, last) end
  for i, run in ipairs(runs) do
    local range = integer(run[1]) .. '-' .. integer(run[2])
    runs[i] = run[3] == '' and range or range .. '@' .. run[3]
  end
  return table.concat(runs, ','), added
end
