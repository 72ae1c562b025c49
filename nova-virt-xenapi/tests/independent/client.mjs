// XCP-ng's own client on the simulator: fill its cache by events, start and stop a VM.
// Arguments: address, user, password, the VM's uuid, the transport. Writes one line of JSON.
import { createClient } from 'xen-api'

const [address, user, password, uuid, transport] = process.argv.slice(2)
const client = createClient({ auth: { user, password }, transport, url: address })
const states = []

function until(what) {
  return new Promise(resolve => {
    const timer = setInterval(() => {
      if (client.getObjectByUuid(uuid).power_state === what) {
        clearInterval(timer)
        states.push(what)
        resolve()
      }
    }, 20)
  })
}

await client.connect()
await client.objectsFetched
const types = new Set(Object.values(client.objects.all).map(object => object.$type))
const vm = client.getObjectByUuid(uuid)
await until('Halted')
await client.callAsync('VM.start', vm.$ref, false, false)
await until('Running')
await client.callAsync('VM.hard_shutdown', vm.$ref)
await until('Halted')
const refusal = await client.call('VM.pause', vm.$ref).then(() => 'none', error => error.code)
const label = await client.getField('VM', vm.$ref, 'name_label')
await client.disconnect()
console.log(JSON.stringify({ types: [...types].sort(), states, label, refusal }))
process.exit(0)
