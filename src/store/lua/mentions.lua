-- Functions about mentions. The JSON of a record that mentions somebody ends with `,"at":[3,0],"as":["bob","all"]}`: numbers of
-- users, 0 for all members, and their names as the text has them. No text reads like this, because its quotes are escaped.

-- Adds to a record whom its text mentions: at each place the first of the named who is a member, all members if the sender
-- may mention them. `named` is {place, user, name as JSON, …}. Returns the record and which of the named it mentions.
local function add_mentions(record, named, room, admins, members, sender)
  local users, names, mentioned, is_done = {}, {}, {}, {}
  for i = 1, #named, 3 do
    local place, user, name = named[i], named[i + 1], named[i + 2]
    local mention, counts = user .. name, false
    if not is_done[place] then
      counts = is_done[mention]
        or user == '0' and leads(room, admins, members, sender)
        or redis.call('ZSCORE', members, user)
    end
    if counts and not is_done[mention] then
      users[#users + 1], names[#names + 1], mentioned[#mentioned + 1] = user, name, (i + 2) / 3
    end
    if counts then is_done[place], is_done[mention] = true, true end
  end
  if #users == 0 then return record, mentioned end
  local lists = ',"at":[' .. table.concat(users, ',') .. '],"as":[' .. table.concat(names, ',') .. ']}'
  return string.sub(record, 1, -2) .. lists, mentioned
end

-- Returns the numbers of the users whom a record mentions, with commas between them; '' for nobody.
local function mentioned_users(record)
  return string.match(record, ',"at":%[([%d,]+)%]') or ''
end

-- Returns whether a record mentions a user, alone or with all members.
local function does_mention(record, user)
  local users = mentioned_users(record)
  if users == '' then return false end
  users = ',' .. users .. ','
  return string.find(users, ',' .. user .. ',', 1, true) or string.find(users, ',0,', 1, true)
end
